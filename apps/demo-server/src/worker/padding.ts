/** Fills a row up to `length` on the right. */
export const padRight = (row: readonly number[], length: number, fill: number): number[] => [
  ...row,
  ...new Array<number>(length - row.length).fill(fill),
];
