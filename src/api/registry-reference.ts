/** Tells names in a registry from files and names in a store. */

export { isRegistryReference } from '../transport/registry/reference.js';
