export { closeTo, expectClose, maxAbsDiff, type Tolerance } from './close.ts';
export { testExamples } from './examples.ts';
export { type Fixture, type FixtureTensor, hasFixture, readFixture } from './fixture.ts';
export { seededRandom } from './random.ts';
