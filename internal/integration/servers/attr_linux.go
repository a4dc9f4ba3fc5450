package servers

import "syscall"

// attributes lets a server die with the test that started it, even where the test
// crashes and cleans nothing up.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
