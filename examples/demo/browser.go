package main

import (
	"fmt"
	"io"
	"os/exec"
	"runtime"
)

// openBrowser opens url in the user's browser. Where that fails, it says so.
func openBrowser(url string, out io.Writer) {
	const note = "No browser could be opened (%v); open the address above yourself\n"
	command := append(opener(runtime.GOOS), url)
	cmd := exec.Command(command[0], command[1:]...)
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(out, note, err)
		return
	}
	go func() {
		if err := cmd.Wait(); err != nil {
			fmt.Fprintf(out, note, err)
		}
	}()
}

// opener is the command that opens a URL.
func opener(system string) []string {
	switch system {
	case "darwin":
		return []string{"open"}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	return []string{"xdg-open"}
}
