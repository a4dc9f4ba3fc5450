// Package clients tests with programs of others: JWT libraries of other languages, curl, a
// client with a cookie jar, and an OpenID provider. scripts/install-servers.sh installs
// them. The package has only tests.
package clients
