// Package flask runs Flask-JWT-Extended beside package flask of this repository and
// compares their answers, and runs the set-up that docs/from-flask.md shows. It needs
// Debian's python3-flask, python3-python-flask-jwt-extended, python3-redis, nginx and Redis.
// The package has only tests; they take a minute.
package flask
