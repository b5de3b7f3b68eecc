/** A file in SQuAD's format, as far as a split by article needs it. */
export interface SquadFile {
  version?: string;
  data: { title: string; paragraphs: { qas: unknown[] }[] }[];
}

/** Every n-th article, by title, is held out; so no text is on both sides. */
export function splitByArticle(file: SquadFile, every: number): { train: SquadFile; heldOut: SquadFile } {
  const data = [...file.data].sort((a, b) => (a.title < b.title ? -1 : 1));
  const heldOut = (index: number): boolean => index % every === every - 1;
  return {
    train: { ...file, data: data.filter((_, index) => !heldOut(index)) },
    heldOut: { ...file, data: data.filter((_, index) => heldOut(index)) },
  };
}

export function countQuestions({ data }: SquadFile): number {
  return data.flatMap(({ paragraphs }) => paragraphs).reduce((sum, { qas }) => sum + qas.length, 0);
}
