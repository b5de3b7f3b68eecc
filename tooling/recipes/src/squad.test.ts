import { expect, it } from 'vitest';
import { countQuestions, splitByArticle } from './squad.js';

it('holds out every n-th article, whole', () => {
  const article = (title: string, questions: number) => ({
    title,
    paragraphs: [
      {
        context: title,
        qas: Array.from({ length: questions }, () => ({ id: '', question: '', answers: [] })),
      },
    ],
  });
  const file = { version: '2', data: [article('d', 4), article('b', 2), article('a', 1), article('c', 3)] };
  const { train, heldOut } = splitByArticle(file, 2);
  expect(train.data.map(({ title }) => title)).toEqual(['a', 'c']);
  expect(heldOut.data.map(({ title }) => title)).toEqual(['b', 'd']);
  expect([countQuestions(train), countQuestions(heldOut)]).toEqual([4, 6]);
  expect(file.data[0]!.title).toBe('d');
});
