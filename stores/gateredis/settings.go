package gateredis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate/stores"
)

// examine returns an error for a server that may not know what was revoked, or may lose
// it: reads go to a replica, or a setting is not safe. On a Cluster it asks every node for
// its settings, replicas too, because each may become a master. It skips nodes that do not
// answer, unless none does.
func (s *Store) examine(ctx context.Context, settings bool) error {
	if err := s.examineRole(ctx); err != nil || !settings || s.o.Insecure.SkipServerCheck {
		return err
	}
	nodes := s.client.Nodes()
	var silence error
	answered, left := 0, len(nodes)
	for _, node := range nodes {
		err := s.examineInTime(ctx, node, left+1)
		left--
		switch {
		case err == nil:
			answered++
		case closesStore(err):
			return err
		default:
			silence = err
		}
	}
	if answered == 0 {
		return silence
	}
	return nil
}

// roleScript only reads, so that the client sends it to the servers that it reads from.
const roleScript = `return redis.call('INFO', 'replication')`

// examineRole asks the servers that the client reads from for their role.
func (s *Store) examineRole(ctx context.Context) error {
	if s.o.Insecure.AllowReplica || s.o.Insecure.SkipServerCheck {
		return nil
	}
	commands := make([]rueidis.Completed, 0, len(s.tags))
	for _, tag := range s.tags {
		if s.old.Load() {
			commands = append(commands, s.client.B().Info().Section("replication").Build())
			break
		}
		commands = append(commands, s.client.B().EvalRo().Script(roleScript).Numkeys(1).Key(s.markKey(tag)).Build())
	}
	for _, r := range s.client.DoMulti(ctx, commands...) {
		info, err := r.ToString()
		if e, ok := rueidis.IsRedisErr(err); ok && strings.Contains(strings.ToLower(e.Error()), "unknown command") && !s.old.Swap(true) {
			return s.examineRole(ctx) // again without EVAL_RO, which Redis 6 does not have
		}
		if err != nil {
			return infoError("EVAL_RO or INFO", err)
		}
		if role := infoField(info, "role"); role != "master" {
			return fmt.Errorf("gateredis: %w: the client reads from a server whose role is %q (link to its master: %s); connect to the master, or set Insecure.AllowReplica",
				stores.ErrReadOnly, role, infoField(info, "master_link_status"))
		}
	}
	return nil
}

// examineInTime examines a node within its share of the time that is left.
func (s *Store) examineInTime(ctx context.Context, node rueidis.Client, shares int) error {
	if deadline, ok := ctx.Deadline(); ok {
		share, cancel := context.WithTimeout(ctx, time.Until(deadline)/time.Duration(shares))
		defer cancel()
		ctx = share
	}
	return s.examineNode(ctx, node)
}

func (s *Store) examineNode(ctx context.Context, node rueidis.Client) error {
	var info string
	for _, r := range node.DoMulti(ctx, node.B().Info().Section("memory").Build(), node.B().Info().Section("persistence").Build()) {
		part, err := r.ToString()
		if err != nil {
			return infoError("INFO", err)
		}
		info += part + "\n"
	}
	if policy := infoField(info, "maxmemory_policy"); policy != "noeviction" && !s.o.Insecure.AllowEviction {
		return unsafeSetting("maxmemory-policy is %q and must be noeviction, or Insecure.AllowEviction be set", policy)
	}
	switch allow := &s.o.Insecure; {
	case allow.AllowNoPersistence:
		return nil
	case infoField(info, "aof_enabled") == "1":
		return s.examineFsync(ctx, node)
	case !allow.AllowSnapshots:
		return unsafeSetting("appendonly is off; set it to yes, or Insecure.AllowSnapshots or AllowNoPersistence")
	}
	save, err := setting(ctx, node, "save")
	if err == nil && save == "" {
		err = unsafeSetting("there are neither appendonly nor snapshots (save); set one, or Insecure.AllowNoPersistence")
	}
	return err
}

// examineFsync refuses settings with which a server acknowledges before a change is on the
// disk.
func (s *Store) examineFsync(ctx context.Context, node rueidis.Client) error {
	if s.o.Insecure.AllowEverysec {
		return nil
	}
	fsync, err := setting(ctx, node, "appendfsync")
	if err == nil && fsync != "always" {
		err = unsafeSetting("appendfsync is %q and must be always, or Insecure.AllowEverysec be set", fsync)
	}
	if err != nil {
		return err
	}
	skip, err := setting(ctx, node, "no-appendfsync-on-rewrite")
	if err == nil && skip == "yes" {
		err = unsafeSetting("no-appendfsync-on-rewrite is yes; set it to no, or Insecure.AllowEverysec")
	}
	return err
}

// setting reads one setting of a node.
func setting(ctx context.Context, node rueidis.Client, name string) (string, error) {
	config, err := node.Do(ctx, node.B().ConfigGet().Parameter(name).Build()).AsStrMap()
	if err != nil {
		return "", infoError("CONFIG GET", err)
	}
	return config[name], nil
}

func unsafeSetting(format string, args ...any) error {
	return fmt.Errorf("gateredis: %w: %s", stores.ErrUnsafe, fmt.Sprintf(format, args...))
}

// infoError returns the error of a failed command: another one if the server forbids the
// command than if it does not answer.
func infoError(command string, err error) error {
	if e, ok := rueidis.IsRedisErr(err); ok && (strings.Contains(e.Error(), "NOPERM") || strings.Contains(e.Error(), "nknown") || strings.Contains(e.Error(), "can't run this command")) {
		return unsafeSetting("it forbids %s, so its role or settings are unknown; see Insecure.SkipServerCheck", command)
	}
	return fmt.Errorf("gateredis: server check: %w", err)
}

// infoField returns the value of the line "name:value".
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// tryWrite makes a write as a revocation does, and returns its error.
func (s *Store) tryWrite(ctx context.Context) error {
	commands := make([]rueidis.Completed, len(s.tags))
	for i, tag := range s.tags {
		commands[i] = s.client.B().Set().Key(s.o.Prefix + "{" + tag + "}probe" + s.suffix).Value("").Px(time.Second).Build()
	}
	for _, r := range s.client.DoMulti(ctx, commands...) {
		if err := r.Error(); err != nil {
			return writeError("check", err)
		}
	}
	return nil
}

// writeErrors maps the beginning of a server's answer to the cause for which it refuses to
// write.
var writeErrors = map[string]error{
	"OOM": stores.ErrFull, "MISCONF": ErrDisk, "NOREPLICAS": ErrReplicas, "READONLY": stores.ErrReadOnly,
}

// writeError adds the cause to the error of a write.
func writeError(what string, err error) error {
	if e, ok := rueidis.IsRedisErr(err); ok {
		for prefix, cause := range writeErrors {
			if strings.HasPrefix(e.Error(), prefix) {
				return fmt.Errorf("gateredis: %s: %w: %w", what, cause, err)
			}
		}
	}
	if errors.Is(err, ErrReplicas) || errors.Is(err, stores.ErrWiped) {
		return err
	}
	return fmt.Errorf("gateredis: %s: %w", what, err)
}
