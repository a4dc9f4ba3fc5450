// Package browser proves in a real browser, Chromium, what depends on one: which cookies
// it stores and sends, requests of other sites, several tabs, and the pages of examples.
// Nothing leaves the machine: the browser finds every host name at 127.0.0.1. The package
// has only tests. They take about two minutes on two cores.
package browser
