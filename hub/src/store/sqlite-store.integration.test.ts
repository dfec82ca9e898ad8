import { storeConformance } from './store.conformance.ts'
import { openTestStore } from './test-store.ts'

storeConformance('openSqliteStore', { open: openTestStore })
