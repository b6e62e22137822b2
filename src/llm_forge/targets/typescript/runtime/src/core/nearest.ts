/** The name that somebody may have meant. */

const CUTOFF = 0.5;

/** The candidate most like `name`, null if none is much like it; capitals and underscores do not matter. */
export function nearest(name: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let most = CUTOFF;
  for (const candidate of candidates) {
    const alike = similarity(bare(name), bare(candidate));
    if (alike > most) {
      best = candidate;
      most = alike;
    }
  }
  return best;
}

function bare(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** One minus the edit distance as a share of the longer text. */
function similarity(one: string, other: string): number {
  const longest = Math.max(one.length, other.length);
  return longest === 0 ? 1 : 1 - distance(one, other) / longest;
}

function distance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + Number(one[row - 1] !== other[column - 1]);
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, replaced));
    }
    previous = current;
  }
  return previous[other.length] ?? 0;
}
