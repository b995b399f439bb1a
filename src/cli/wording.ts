/** The library's messages name options; on a command line they should name flags. */
import { Command } from "commander";
import { declarations, flagsOf } from "../kinds/index.ts";
import { trainSettings } from "./train-settings.ts";

const camel = (flag: string): string =>
  flag.slice(2).replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The flag of each option, by the option's name: those of `train`, then those of the command and its verbs, which take precedence. */
function flagsByName(command: Command): ReadonlyMap<string, string> {
  const ofSettings = declarations
    .flatMap(flagsOf)
    .flatMap(({ path, flag }) => [
      [path, flag] as const,
      [path.slice(path.lastIndexOf(".") + 1), flag] as const,
    ]);
  const train = new Command();
  trainSettings(train);
  const ofCommands = [train, command, ...command.commands]
    .flatMap(({ options }) => options)
    .flatMap(({ long }) => (long ? [[camel(long), long] as const] : []));
  return new Map([...ofSettings, ["types", "--type"], ...ofCommands]);
}

/**
 * `"none"` as none, `[32, 64]` as 32,64 (a size as 32x64), `{"born": "date"}` as born=date, and a switch that is on as an empty string. What a
 * shell would read otherwise is in quotation marks.
 */
function asWord(value: string, flag: string): string {
  if (flag === "--header") return value === "true" ? "yes" : "no";
  if (value === "true") return "";
  const word = value
    .replace(/^[[{](.*)[\]}]$/, "$1")
    .replace(/"([^"]*)": /g, "$1=")
    .replaceAll('"', "")
    .replaceAll(", ", flag === "--resize" ? "x" : ",");
  return /^[\w.,:=/+-]*$/.test(word) ? word : `"${word}"`;
}

/** A message with each option, written as `` `binarize: "none"` `` or `` `out` ``, as its flag: `--binarize none`, `--out`. Without a command the flags are those of `train`. */
export function inFlags(message: string, command = new Command()): string {
  const flags = flagsByName(command);
  return message.replace(/`([a-z][A-Za-z0-9.]*)(?:: ([^`]*))?`/g, (all, name: string, value = "") => {
    const flag = flags.get(name);
    return flag === undefined ? all : `${flag} ${asWord(value, flag)}`.trim();
  });
}
