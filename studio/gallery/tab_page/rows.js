/** How renders lie on the wall. */

export const GAP_PX = 8;
/** What is written below a picture. */
export const WORDS_PX = 24;
const NARROWEST = 0.5;
const WIDEST = 3;

/** Renders in rows: each row as wide as the wall, about as high as is wanted. */
export function rowsOf(renders, width, target) {
  const rows = [];
  let tiles = [];
  let ratios = 0;
  let first = 0;
  let top = GAP_PX / 2;
  const close = (height) => {
    let left = 0;
    const placed = tiles.map(({ render, ratio }) => {
      const tile = { render, left, width: ratio * height };
      left += tile.width + GAP_PX;
      return tile;
    });
    rows.push({ top, height, first, tiles: placed });
    top += height + WORDS_PX + GAP_PX;
    first += tiles.length;
    tiles = [];
    ratios = 0;
  };
  for (const render of renders) {
    const ratio = Math.min(WIDEST, Math.max(NARROWEST, render.size[0] / render.size[1]));
    tiles.push({ render, ratio });
    ratios += ratio;
    const height = (width - GAP_PX * (tiles.length - 1)) / ratios;
    if (height <= target) close(height);
  }
  if (tiles.length) close(Math.min(target, (width - GAP_PX * (tiles.length - 1)) / ratios));
  return rows;
}

/** Number of the last row for which something holds that holds up to some row; 0 where it holds for none. */
export function rowAt(rows, holds) {
  let low = 0;
  let high = rows.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (holds(rows[middle])) low = middle;
    else high = middle;
  }
  return low;
}
