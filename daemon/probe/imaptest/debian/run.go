package debian

import (
	"bytes"
	"os/exec"
	"strings"
)

// enter makes a root of an image whose changes lie in memory, shares the
// directories named before "--" with it, and becomes the program. All of it lives
// in a mount namespace that ends with the program. /mnt is only the place where
// the namespace puts it; nothing of this machine's /mnt is touched.
const enter = `set -e
image=$1; shift
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$image,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
mount --rbind /proc /mnt/root/proc
mount --rbind /dev /mnt/root/dev
while [ "$1" != -- ]; do
	mkdir -p "/mnt/root$1"
	mount --bind "$1" "/mnt/root$1"
	shift
done
shift
exec chroot /mnt/root "$@"`

// Command returns the arguments that run a program in the image, with directories of this machine
// under the same path there. The process that they start becomes the program: a signal to it
// reaches the program.
func (i Image) Command(shared []string, program ...string) []string {
	args := []string{"unshare", "--mount", "--propagation", "private", "--", "/bin/sh", "-c", enter, "enter", string(i)}
	args = append(append(args, shared...), "--")
	return append(args, program...)
}

// Run runs a program in the image to its end, and returns what it wrote to both outputs.
func (i Image) Run(shared []string, stdin string, program ...string) (string, error) {
	args := i.Command(shared, program...)
	c := exec.Command(args[0], args[1:]...)
	c.Env = environment
	c.Stdin = strings.NewReader(stdin)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err := c.Run()
	return strings.TrimSpace(said.String()), err
}

var environment = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
