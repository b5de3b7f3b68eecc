import { expect, it } from 'vitest';
import { overlapAnswer, overlapAnswers } from './overlap.js';

const context =
  'The old mill was built by Anna Weber in 1790. Her brother Karl Weber, a miller, sold it to the town of Linden.';

it('takes the run of words that the rare words of the question stand nearest to', () => {
  expect(overlapAnswer('Who built the old mill?', context)).toBe('Anna Weber');
  expect(overlapAnswer('Which town bought it?', context)).toBe('Linden');
});

it('answers with nothing where there is nothing to answer with', () => {
  expect(overlapAnswer('What is it?', 'It is.')).toBe('');
  expect(overlapAnswer('', '')).toBe('');
});

it('answers the questions of a file in their order', () => {
  const qas = [
    { id: '1', question: 'Who built the old mill?', answers: [{ text: 'Anna Weber', answer_start: 26 }] },
    { id: '2', question: 'Which town bought it?', answers: [] },
  ];
  expect(overlapAnswers({ data: [{ title: 'Mill', paragraphs: [{ context, qas }] }] })).toEqual({
    predictions: ['Anna Weber', 'Linden'],
    answers: [['Anna Weber'], []],
  });
});
