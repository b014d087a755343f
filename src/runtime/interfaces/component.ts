/**
 * The served component's memory and realloc, as functions that are generated when it is merged with the interfaces
 * (src/wasm/component/native.ts). They are those of the lowered function that was called.
 *
 * AssemblyScript, imported from the module "component", after this file's name.
 */

/** Copies to the component's memory. @param to there @param from here */
export declare function to_component(to: usize, from: usize, length: usize): void;
/** Copies from the component's memory. @param to here @param from there */
export declare function from_component(to: usize, from: usize, length: usize): void;
/** Calls the component's realloc for something new. Returns where it is, in the component's memory. */
export declare function allocate(alignment: usize, size: usize): usize;
