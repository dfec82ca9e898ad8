/** The database's name inside the data folder. */
export const STORE_FILE = 'hub.db'

/** There while a restore moves files into place; what is left of it says that the restore did not end. */
export const RESTORE_READY = '.restore.ready'
