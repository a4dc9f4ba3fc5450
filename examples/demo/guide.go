package main

import "strings"

// guide is what the demo prints at the start: its address, and commands for a second terminal.
func guide(url string) string {
	return strings.ReplaceAll(`Open URL in a browser   (Ctrl-C stops the demo)

Or paste these into another terminal, in order:

  # sign up and log in, and keep both tokens
  curl -s URL/signup -H 'Content-Type: application/json' -d '{"name":"alice","password":"correct horse battery"}'
  TOKENS=$(curl -s URL/login -H 'Content-Type: application/json' -d '{"name":"alice","password":"correct horse battery"}')
  ACCESS=$(echo "$TOKENS" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  REFRESH=$(echo "$TOKENS" | sed 's/.*"refresh_token":"\([^"]*\)".*/\1/')

  # a guarded route and an optional one, without and with the token
  curl -si URL/me
  curl -s URL/me -H "Authorization: Bearer $ACCESS"
  curl -s URL/hello
  curl -s URL/hello -H "Authorization: Bearer $ACCESS"

  # another session, in cookies, where POST needs the CSRF value as well
  JAR=$(mktemp)
  curl -s -c "$JAR" "URL/login?mode=cookie" -H 'Content-Type: application/json' -d '{"name":"alice","password":"correct horse battery"}'
  CSRF=$(awk '$6 == "csrf_refresh_token" { print $7 }' "$JAR")
  curl -s -b "$JAR" URL/me
  curl -s -b "$JAR" -c "$JAR" -X POST URL/web/refresh
  curl -s -b "$JAR" -c "$JAR" -X POST URL/web/refresh -H "X-CSRF-TOKEN: $CSRF"

  # where alice is logged in
  curl -s URL/auth/sessions -H "Authorization: Bearer $ACCESS"

  # a refreshed token opens /me, but not /password, which wants a fresh one
  STALE=$(curl -s -X POST URL/auth/refresh -H "Authorization: Bearer $REFRESH" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -s URL/me -H "Authorization: Bearer $STALE"
  curl -s URL/password -H "Authorization: Bearer $STALE" -H 'Content-Type: application/json' -d '{"password":"staple of the battery"}'

  # a new password ends the session in the cookies
  curl -s URL/password -H "Authorization: Bearer $ACCESS" -H 'Content-Type: application/json' -d '{"password":"staple of the battery"}'
  curl -s -b "$JAR" URL/me

  # one logout revokes both tokens of a session
  curl -s -X POST URL/auth/logout -H "Authorization: Bearer $ACCESS"
  curl -s URL/me -H "Authorization: Bearer $ACCESS"
  curl -s -X POST URL/auth/refresh -H "Authorization: Bearer $REFRESH"

`, "URL", url)
}
