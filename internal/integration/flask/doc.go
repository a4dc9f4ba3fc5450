// Package flask runs Flask-JWT-Extended beside package flask of this repository and
// compares their answers. It needs Debian's python3-flask and
// python3-python-flask-jwt-extended. The package has only tests; they take half a minute.
package flask
