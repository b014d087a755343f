/* Debian's luaconf.h includes it for the path of loadable modules on this architecture: there are none. */
#define DEB_HOST_MULTIARCH "wasm32-wasi"
