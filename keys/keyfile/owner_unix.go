//go:build unix

package keyfile

import (
	"io/fs"
	"os"
	"syscall"
)

// ownerOf returns the number of the user who owns a file. info is from os.Stat.
func ownerOf(info fs.FileInfo) int {
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// keepOwner gives a new file to the owner and the group of the file like, if there is one:
// root may change the keys of a service of another user.
func keepOwner(f *os.File, like string) error {
	info, err := os.Stat(like)
	if err != nil || os.Geteuid() != 0 {
		return nil
	}
	owner := info.Sys().(*syscall.Stat_t)
	return f.Chown(int(owner.Uid), int(owner.Gid))
}
