/** Where functions and stubs begin: at multiples of this many bytes of text. */
export const FUNCTION_ALIGN = 16;
