/**
 * Names of the platform that our declarations, and those of zod, refer to. A project that compiles without the library "dom" and Node's
 * types does not know them. For one that does, an empty interface adds nothing to the existing declarations.
 */
declare global {
  interface AbortSignal {}
  interface URL {}
  namespace WebAssembly {
    interface Memory {}
    interface Module {}
  }
}

export {};
