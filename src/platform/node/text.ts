/** Whether bytes are well-formed UTF-8, by Node. */
export { isUtf8 } from "node:buffer";
