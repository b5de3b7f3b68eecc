import { dataFile } from './files.js';

/** A file in SQuAD's format. */
export interface SquadFile {
  version?: string;
  data: SquadArticle[];
}

export interface SquadArticle {
  title: string;
  paragraphs: { context: string; qas: SquadQuestion[] }[];
}

export interface SquadQuestion {
  id: string;
  question: string;
  answers: { text: string; answer_start: number }[];
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

/** A file of the data folder's `qa`. */
export function questionFile(name: string): SquadFile {
  return JSON.parse(dataFile(`qa/${name}.json`)) as SquadFile;
}

/** SQuAD's articles but every fifth, and those. */
export function squadSplit(): { train: SquadFile; heldOut: SquadFile } {
  return splitByArticle(questionFile('squad_v1.1_dev.00'), 5);
}

const paragraphs = ['qed_nq_train.00', 'qed_nq_train.01', 'policyqa_dev', 'fairytaleqa_extractive_train'];
const sentences = ['qamr_dev.00', 'qamr_dev.01', 'qamr_test.00', 'qamr_test.01'];

/** All that may be learnt answering from on paragraphs: none is of an article that is held out. */
export function paragraphQuestions(): SquadFile {
  const { train, heldOut } = squadSplit();
  return { ...train, data: [...train.data, ...others(paragraphs, heldOut)] };
}

/** The same on single sentences. */
export function sentenceQuestions(): SquadFile {
  return { data: others(sentences, squadSplit().heldOut) };
}

function others(names: readonly string[], heldOut: SquadFile): SquadArticle[] {
  const plain = (title: string): string => title.toLowerCase().replaceAll('_', ' ');
  const titles = new Set(heldOut.data.map(({ title }) => plain(title)));
  return names.flatMap((name) => questionFile(name).data).filter(({ title }) => !titles.has(plain(title)));
}

/** The paragraphs, each once. */
export function contexts({ data }: SquadFile): string[] {
  return [...new Set(data.flatMap(({ paragraphs }) => paragraphs.map(({ context }) => context)))];
}
