GRANT USAGE ON SCHEMA public TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON gate_revoked, gate_revoked_sessions TO app;
GRANT SELECT ON gate_revoked_meta TO app;
