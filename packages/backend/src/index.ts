export type { InstructionSet } from './addon/addon.js';
export type { LoadAttempt } from './addon/load.js';
export { type BackendName, backendNames, type ConcreteBackend } from './choice/names.js';
export { type BackendReport, type BackendState, backendReport } from './choice/report.js';
export { setBackend } from './choice/set-backend.js';
export { setThreads } from './choice/threads.js';
export { type MachinePeak, machinePeak } from './native/machine-peak.js';
export { NativeBackend, type NativeMemory } from './native/native-backend.js';
export { type LinkOptions, type LinkResult, linkTensorflow, tensorflowPackages } from './tensorflow/link.js';
