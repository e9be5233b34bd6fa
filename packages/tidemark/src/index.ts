export type { Flow } from './model/flow.ts'
