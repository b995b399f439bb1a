/** The number of letters to change, add, leave out or swap with a neighbour to make one word of another. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(
        Math.min(
          row[j] + 1,
          next[j - 1] + 1,
          row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
          swapped ? before[j - 2] + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    before = row;
    row = next;
  }
  return row[b.length];
}

/** The known word that is nearest to one that is not known; undefined where none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [asked, ...all] = [word, ...known].map((name) => name.toLowerCase());
  const far = all.map((name) =>
    name.startsWith(asked) || asked.startsWith(name) ? 1 : distance(asked, name),
  );
  const least = Math.min(...far);
  return least <= Math.max(1, Math.floor(word.length / 3)) ? known[far.indexOf(least)] : undefined;
}
