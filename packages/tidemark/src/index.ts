/** The public surface of tidemark: what a flow file in TypeScript imports. Everything else is reached by commands. */
export type { Flow } from './model/flow.ts'
export type {
  AppendFlowDefinition,
  AutoCdcFlowDefinition,
  DatasetName,
  MaterializedViewDefinition,
  StreamingTableDefinition,
  TemporaryViewDefinition,
} from './flows/language/typescript.ts'
export {
  appendFlow,
  autoCdcFlow,
  expect,
  expectAll,
  expectAllOrDrop,
  expectAllOrFail,
  expectOrDrop,
  expectOrFail,
  materializedView,
  streamingTable,
  temporaryView,
} from './flows/language/typescript.ts'
