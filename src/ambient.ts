/**
 * Names of the platform that our declarations, and those of zod, refer to. A project that compiles with neither the library "dom" nor
 * Node's types does not know them; where it does, an empty interface adds nothing to what is declared there.
 */
declare global {
  interface AbortSignal {}
  interface URL {}
  namespace WebAssembly {
    interface Memory {}
  }
}

export {};
