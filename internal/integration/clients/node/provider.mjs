// An OpenID provider of the package oidc-provider, for provider_test.go. It has its own
// pages for login and consent, which take every name. Its access tokens are JWTs by RFC
// 9068 for the resource that a client asks for (RFC 8707).
//
// ADDR is the address to listen on. CALLBACK is where the clients get their codes.
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

const { ADDR, CALLBACK } = process.env;
const [host, port] = ADDR.split(":");

async function key(alg, kid) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, use: "sig" };
}

const client = (client_id, more) => ({ client_id, client_secret: "secret", redirect_uris: [CALLBACK], ...more });

const provider = new Provider(`http://${ADDR}`, {
  clients: [client("shop"), client("other"), client("mobile", { id_token_signed_response_alg: "ES256" })],
  jwks: { keys: [await key("RS256", "rsa"), await key("ES256", "ec")] },
  cookies: { keys: ["signs the cookies of this test"] },
  claims: { openid: ["sub"] },
  ttl: { AccessToken: 3600, IdToken: 3600, Session: 3600, Interaction: 600, Grant: 3600 },
  features: {
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope: "orders:read orders:write",
        audience: resource,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
      useGrantedResource: () => true,
    },
  },
});
provider.listen(Number(port), host);
