import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { BertForMaskedLM, BertForSequenceClassification, BertModel, bertConfigSchema } from '@weft/bert';
import { openWeights } from '@weft/checkpoint';
import { AutoTokenizer, trainWordPiece } from '@weft/tokenizer';
import { afterAll, expect, it } from 'vitest';
import { MaskedDistillation, readTeacherEmbeddings } from './distillation.js';
import { prunedVocabulary } from './pruned-vocabulary.js';
import { SoftLabels } from './soft-labels.js';

const folder = mkdtempSync(join(tmpdir(), 'weft-distillation-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = (vocab_size: number, hidden_size: number) =>
  bertConfigSchema.parse({
    ...{ vocab_size, hidden_size, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 16 },
    max_position_embeddings: 12,
    ...{ hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 },
  });
// The student's tokens 0 to 5 are these of the teacher's eight.
const teacherIds = Int32Array.of(0, 2, 3, 5, 6, 7);
const newModel = (hiddenWeight: number): MaskedDistillation =>
  new MaskedDistillation(
    new BertForMaskedLM(config(6, 8), { seed: 1 }),
    new BertModel(config(8, 12), { seed: 2 }),
    { teacherIds, hiddenWeight, seed: 3 },
  );

it('adds the distance from the hidden states that the teacher gives of the text without masks', () => {
  const labels = [[-100, 4, -100]];
  const masked = { inputIds: [[1, 5, 3]], labels };
  using model = newModel(2);
  const loss = (m: MaskedDistillation, batch: typeof masked): number => m.forward(batch).loss.dataSync()[0]!;
  using words = newModel(0);
  const cross = model.student.forward({ ...masked, outputLogits: false }).loss!.dataSync()[0]!;
  expect(loss(words, masked)).toBeCloseTo(cross, 5);

  using teacher = new BertModel(config(8, 12), { seed: 2 });
  const expected = tf.tidy(() => {
    const targets = teacher.forward({ inputIds: [[2, 6, 5]], outputHiddenStates: true }).hiddenStates!;
    const own = model.student.forward({ ...masked, outputHiddenStates: true }).hiddenStates!;
    const shares = [1, 2].map((layer, i) => {
      const target = targets[layer]!;
      const apart = tf.squaredDifference(model.bridges[i]!.forward(own[layer]!), target);
      return tf.mean(apart).dataSync()[0]! / tf.mean(tf.square(target)).dataSync()[0]!;
    });
    return cross + 2 * (shares[0]! + shares[1]!);
  });
  expect(loss(model, masked)).toBeCloseTo(expected, 4);
});

it('trains the student and the bridges, not the teacher, and leaves no tensor behind', () => {
  const before = tf.memory().numTensors;
  {
    using model = newModel(1);
    const keys = model.namedParameters().map(([key]) => key);
    expect(keys.every((key) => /^(student|bridges)\./.test(key))).toBe(true);
    model.forward({ inputIds: [[1, 5, 3]], labels: [[-100, 4, -100]] }).loss.dispose();
  }
  expect(tf.memory().numTensors).toBe(before);
});

it('writes checkpoints that hold every parameter of the run', async () => {
  using model = newModel(1);
  await model.savePretrained(join(folder, 'run'));
  using weights = await openWeights(join(folder, 'run'));
  expect([...weights.names()].sort()).toEqual(
    model
      .namedParameters()
      .map(([key]) => key)
      .sort(),
  );
});

it("keeps the differences between the teacher's words as well as a linear map can", () => {
  using teacher = new BertModel(config(8, 12), { seed: 2 });
  using student = new BertForMaskedLM(config(6, 8), { seed: 1 });
  readTeacherEmbeddings(student.bert, teacher, teacherIds);
  // Six words differ in five directions, fewer than the student has: their distances stay.
  const distances = (table: tf.Tensor2D): number[] =>
    tf.tidy(() => {
      const apart = tf.sub(table.expandDims(0), table.expandDims(1));
      return [...tf.norm(apart, 'euclidean', -1).dataSync()];
    });
  const own = distances(student.bert.embeddings.word_embeddings.weight as unknown as tf.Tensor2D);
  const words = tf.gather(teacher.embeddings.word_embeddings.weight, tf.tensor1d(teacherIds)) as tf.Tensor2D;
  for (const [i, distance] of distances(words).entries()) expect(own[i]!).toBeCloseTo(distance, 4);
});

it('keeps the frequent part of a vocabulary, and still spells every word', async () => {
  const texts = ['weaving weavers weave', 'a weaver weaves linen', 'looms loom'];
  const source = join(folder, 'source');
  await trainWordPiece([...texts, 'shuttle shuttles'], { vocabSize: 120 }).savePretrained(source);
  const whole = await AutoTokenizer.fromPretrained(source);
  const size = whole.vocabSize - 5;
  const { tokenizer, teacherIds: ids } = await prunedVocabulary(source, texts, {
    size,
    folder: join(folder, 'pruned'),
  });
  expect(tokenizer.vocabSize).toBe(size);
  expect(tokenizer.convertIdsToTokens([...ids.keys()])).toEqual(whole.convertIdsToTokens([...ids]));
  const { inputIds } = tokenizer.encode('weaver shuttles');
  expect(inputIds[0]).toBe(tokenizer.clsTokenId);
  expect(tokenizer.decode(inputIds, { skipSpecialTokens: true })).toBe('weaver shuttles');
});

it("adds the distance from a teacher's logits where they are given", () => {
  using model = new SoftLabels(new BertForSequenceClassification(config(6, 8), { seed: 1 }));
  const batch = { inputIds: [[1, 2, 3]], labels: [1] };
  const { loss, logits } = model.forward(batch);
  const [a, b] = logits.dataSync() as unknown as [number, number];
  const soft = model.forward({ ...batch, softLabels: [[a + 2, b - 1]] });
  expect(soft.loss.dataSync()[0]! - loss.dataSync()[0]!).toBeCloseTo((4 + 1) / 2, 4);
});
