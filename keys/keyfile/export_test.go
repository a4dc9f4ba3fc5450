package keyfile

var Exposed = exposed
