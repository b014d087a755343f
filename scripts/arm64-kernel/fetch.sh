#!/bin/sh
# Downloads Debian's ARM64 kernel packages named as arguments and unpacks their kernels to build/arm64-kernel. Uses the
# system's own Debian sources and keys, but lists, cache and configuration of its own: apt here learns no new architecture.
# Needs apt-get, dpkg-deb; root is not needed. Without arguments it lists the packages there are.
set -eu
cd "$(dirname "$0")/../.."
folder=$PWD/build/arm64-kernel
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/apt/sources"
for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
  if [ -e "$file" ]; then cp "$file" "$folder/apt/sources/"; fi
done
if [ -e "$folder/apt/sources/sources.list" ]; then mv "$folder/apt/sources/sources.list" "$folder/apt/sources/system.list"; fi
: >"$folder/apt/status"
cat >"$folder/apt/apt.conf" <<EOF
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
EOF
export APT_CONFIG="$folder/apt/apt.conf"
apt-get update -qq
if [ $# = 0 ]; then
  apt-cache search --names-only '^linux-image-.*arm64' | grep -v -e -dbg -e -unsigned -e template
  exit
fi
cd "$folder"
for package in "$@"; do
  apt-get download -qq "$package"
  dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x --wildcards --strip-components=2 './boot/vmlinuz-*'
  rm "$package"_*.deb
done
rm -r apt
ls -l vmlinuz-*
