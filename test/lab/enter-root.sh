#!/bin/sh
# enter-root.sh LOWER SCRATCH [--bind SRC DST | --ro SRC DST | --file DST TEXT]... -- COMMAND...
#
# Makes LOWER the root of this mount namespace and runs COMMAND there. The caller has put us into fresh mount
# and pid namespaces; everything mounted here goes when the last process in it does, so nothing is left to
# clean up. What is written goes to a tmpfs over LOWER (overlayfs), so a cached root stays as it was made.
#
# pivot_root and not chroot: dockerd remounts "/" when it unpacks a layer, which a chroot cannot.
set -eu
lower=$1 scratch=$2
shift 2

mount -t tmpfs -o mode=755 tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
root=$scratch/root
mount -t overlay -o "lowerdir=$lower,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$root"
mount -t proc proc "$root/proc"
# a sysfs of its own shows the interfaces of our network namespace; the cgroups are the machine's
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"

while [ "$1" != -- ]; do
  case $1 in
  --file)
    mkdir -p "$(dirname "$root$2")"
    rm -f "$root$2"
    printf '%s' "$3" >"$root$2"
    ;;
  --bind | --ro)
    if [ -d "$2" ]; then
      mkdir -p "$root$3"
    else
      mkdir -p "$(dirname "$root$3")"
      [ -e "$root$3" ] || : >"$root$3"
    fi
    mount --bind "$2" "$root$3"
    if [ "$1" = --ro ]; then mount -o remount,bind,ro "$root$3"; fi
    ;;
  *)
    echo "enter-root.sh: what is $1?" >&2
    exit 64
    ;;
  esac
  shift 3
done
shift

cd "$root"
pivot_root . .
umount -l .
cd /
exec "$@"
