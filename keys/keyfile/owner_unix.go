//go:build unix

package keyfile

import (
	"io/fs"
	"syscall"
)

// ownerOf returns the number of the user who owns a file. info is from os.Stat.
func ownerOf(info fs.FileInfo) int {
	return int(info.Sys().(*syscall.Stat_t).Uid)
}
