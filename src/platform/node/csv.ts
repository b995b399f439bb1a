/** The CSV reader: the package csv-parse, which works on Node's buffers. */
export { type Info, parse } from "csv-parse/sync";
