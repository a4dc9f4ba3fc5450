// Command site renders the documentation of the repository as a static site: the pages of
// docs, the documentation of the Go packages, and the source files that they link to. The
// site opens from disk and needs no network.
//
//	go run . -o ../../bin/site
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", "../..", "`folder` of the repository")
	out := flag.String("o", "../../bin/site", "`folder` to write to; what an earlier run wrote there is replaced")
	flag.Parse()
	if err := render(*root, *out); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
	index, err := filepath.Abs(filepath.Join(*out, "index.html"))
	if err != nil {
		index = *out
	}
	fmt.Println("site: open", index)
}
