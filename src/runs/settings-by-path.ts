/** Settings as a flat list, to be compared and shown. */

/**
 * All settings by path, such as `train.lr`, lists as words.
 *
 * @param left paths to leave out, with all that is under them
 */
export function settingsByPath(
  value: unknown,
  left: readonly string[] = [],
  path = "",
): readonly (readonly [string, string])[] {
  if (value === undefined || left.includes(path)) return [];
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, inner]) =>
      settingsByPath(inner, left, path === "" ? key : `${path}.${key}`),
    );
  }
  const text = Array.isArray(value)
    ? value.map((item) => (typeof item === "object" ? JSON.stringify(item) : String(item))).join(",")
    : String(value);
  return [[path, path === "data.fingerprint" ? text.slice(0, 8) : text]];
}
