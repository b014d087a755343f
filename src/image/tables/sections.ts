/** Names of the ELF sections that an image has besides the loaded ones. */

export const SECTION = {
  text: '.text',
  data: '.data',
  rodata: '.rodata',
  resume: '.resume', // only in a resumable image, as are pages
  pages: '.wagsnap.pages',
  trapText: '.wagsnap.traptext',
  functions: '.wagsnap.funcs',
  locals: '.wagsnap.locals',
  sites: '.wagsnap.sites',
  shapes: '.wagsnap.shapes',
  traps: '.wagsnap.traps',
  pins: '.wagsnap.pins',
  names: '.wagsnap.names',
  places: '.wagsnap.places',
  identity: '.wagsnap.ident',
  wasm: '.wagsnap.wasm',
} as const;
