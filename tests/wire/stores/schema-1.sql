BEGIN TRANSACTION;
CREATE TABLE assistants (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	created_at INTEGER NOT NULL, 
	name TEXT, 
	description TEXT, 
	model TEXT NOT NULL, 
	instructions TEXT, 
	tools JSON NOT NULL, 
	tool_resources JSON NOT NULL, 
	metadata JSON NOT NULL, 
	temperature FLOAT, 
	top_p FLOAT, 
	reasoning_effort VARCHAR, 
	response_format JSON, 
	UNIQUE (id)
);
INSERT INTO "assistants" VALUES(1,'asst_1kRJ5U1hR4dqRieN3pQ1MAMS',1795359351,'Old hand',NULL,'scripted',NULL,'[{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}}]','{}','{}',1.0,1.0,NULL,'"auto"');
CREATE TABLE chunks (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	entry INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	FOREIGN KEY(entry) REFERENCES vector_store_files (seq) ON DELETE CASCADE
);
INSERT INTO "chunks" VALUES(1,1,'Cats sleep for most of the day.');
CREATE TABLE files (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	created_at INTEGER NOT NULL, 
	expires_at INTEGER, 
	filename TEXT NOT NULL, 
	purpose VARCHAR NOT NULL, 
	bytes INTEGER NOT NULL, 
	UNIQUE (id)
);
INSERT INTO "files" VALUES(1,'file-nSgndbpiPFlksWgr0zPFG9',1795359351,NULL,'pets.md','assistants',31);
CREATE TABLE messages (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	thread_id VARCHAR NOT NULL, 
	created_at INTEGER NOT NULL, 
	role VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	incomplete_reason VARCHAR, 
	completed_at INTEGER, 
	incomplete_at INTEGER, 
	content JSON NOT NULL, 
	assistant_id VARCHAR, 
	run_id VARCHAR, 
	attachments JSON NOT NULL, 
	metadata JSON NOT NULL, 
	UNIQUE (id), 
	FOREIGN KEY(thread_id) REFERENCES threads (id) ON DELETE CASCADE
);
INSERT INTO "messages" VALUES(1,'msg_KlwQcTbvY8qpUBIc05wEv52q','thread_dzNSW1OKftGjLtBoT1mhpa1S',1795359351,'user','completed',NULL,1795359351,NULL,'[{"type": "text", "text": {"value": "A question of old.", "annotations": []}}]',NULL,NULL,'[]','{}');
INSERT INTO "messages" VALUES(2,'msg_FYAbMHKFr5vhxbVbuS7MDIK0','thread_dzNSW1OKftGjLtBoT1mhpa1S',1795359351,'assistant','completed',NULL,1795359351,NULL,'[{"type": "text", "text": {"value": "Answered.", "annotations": []}}]','asst_1kRJ5U1hR4dqRieN3pQ1MAMS','run_HOHpkoMR8PWHHhm5HgF0BZPo','[]','{}');
CREATE TABLE run_steps (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	thread_id VARCHAR NOT NULL, 
	assistant_id VARCHAR NOT NULL, 
	created_at INTEGER NOT NULL, 
	type VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	cancelled_at INTEGER, 
	completed_at INTEGER, 
	expired_at INTEGER, 
	failed_at INTEGER, 
	last_error JSON, 
	step_details JSON NOT NULL, 
	usage JSON, 
	UNIQUE (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "run_steps" VALUES(1,'step_H3SfcJwoCob27VCpwOqtDjbV','run_HOHpkoMR8PWHHhm5HgF0BZPo','thread_dzNSW1OKftGjLtBoT1mhpa1S','asst_1kRJ5U1hR4dqRieN3pQ1MAMS',1795359351,'tool_calls','completed',NULL,1795359351,NULL,NULL,NULL,'{"type": "tool_calls", "tool_calls": [{"id": "call_000000000000000000000000", "type": "function", "function": {"name": "look", "arguments": "{\"at\": \"it\"}", "output": "seen"}}]}','{"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "prompt_token_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}');
INSERT INTO "run_steps" VALUES(2,'step_TNJ8oORs9yxOBZvxq655WwS3','run_HOHpkoMR8PWHHhm5HgF0BZPo','thread_dzNSW1OKftGjLtBoT1mhpa1S','asst_1kRJ5U1hR4dqRieN3pQ1MAMS',1795359351,'message_creation','completed',NULL,1795359351,NULL,NULL,NULL,'{"type": "message_creation", "message_creation": {"message_id": "msg_FYAbMHKFr5vhxbVbuS7MDIK0"}}','{"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "prompt_token_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}');
CREATE TABLE runs (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	thread_id VARCHAR NOT NULL, 
	assistant_id VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	created_at INTEGER NOT NULL, 
	started_at INTEGER, 
	expires_at INTEGER, 
	cancelled_at INTEGER, 
	failed_at INTEGER, 
	completed_at INTEGER, 
	required_action JSON, 
	last_error JSON, 
	incomplete_details JSON, 
	model TEXT NOT NULL, 
	instructions TEXT, 
	tools JSON NOT NULL, 
	tool_resources JSON NOT NULL, 
	metadata JSON NOT NULL, 
	temperature FLOAT, 
	top_p FLOAT, 
	reasoning_effort VARCHAR, 
	max_prompt_tokens INTEGER, 
	max_completion_tokens INTEGER, 
	truncation_strategy JSON NOT NULL, 
	response_format JSON, 
	tool_choice JSON, 
	parallel_tool_calls BOOLEAN NOT NULL, 
	usage JSON, 
	UNIQUE (id), 
	FOREIGN KEY(thread_id) REFERENCES threads (id) ON DELETE CASCADE
);
INSERT INTO "runs" VALUES(1,'run_HOHpkoMR8PWHHhm5HgF0BZPo','thread_dzNSW1OKftGjLtBoT1mhpa1S','asst_1kRJ5U1hR4dqRieN3pQ1MAMS','completed','12548-5ad8ab9b014c9670',1795359351,1795359351,NULL,NULL,NULL,1795359351,NULL,NULL,NULL,'scripted',NULL,'[{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}}]','{}','{}',1.0,1.0,NULL,NULL,NULL,'{"type": "auto", "last_messages": null}','"auto"','"auto"',1,'{"prompt_tokens": 14, "completion_tokens": 6, "total_tokens": 20, "prompt_token_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}');
CREATE TABLE threads (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	created_at INTEGER NOT NULL, 
	activity INTEGER NOT NULL, 
	active_at INTEGER NOT NULL, 
	preview TEXT DEFAULT '' NOT NULL, 
	tool_resources JSON NOT NULL, 
	metadata JSON NOT NULL, 
	UNIQUE (id)
);
INSERT INTO "threads" VALUES(1,'thread_dzNSW1OKftGjLtBoT1mhpa1S',1795359351,3,1795359351,'A question of old.','{}','{}');
CREATE TABLE tombstones (
	id VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE upload_parts (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	upload_id VARCHAR NOT NULL, 
	created_at INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	UNIQUE (id), 
	FOREIGN KEY(upload_id) REFERENCES uploads (id) ON DELETE CASCADE
);
CREATE TABLE uploads (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	created_at INTEGER NOT NULL, 
	expires_at INTEGER NOT NULL, 
	status VARCHAR NOT NULL, 
	filename TEXT NOT NULL, 
	purpose VARCHAR NOT NULL, 
	bytes INTEGER NOT NULL, 
	file_life INTEGER, 
	file_id VARCHAR, 
	UNIQUE (id)
);
CREATE TABLE vector_store_batches (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	vector_store_id VARCHAR NOT NULL, 
	created_at INTEGER NOT NULL, 
	UNIQUE (id), 
	FOREIGN KEY(vector_store_id) REFERENCES vector_stores (id) ON DELETE CASCADE
);
CREATE TABLE vector_store_files (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	vector_store_id VARCHAR NOT NULL, 
	batch_id VARCHAR, 
	created_at INTEGER NOT NULL, 
	status VARCHAR NOT NULL, 
	usage_bytes INTEGER NOT NULL, 
	last_error JSON, 
	chunking_strategy JSON NOT NULL, 
	attributes JSON NOT NULL, 
	FOREIGN KEY(vector_store_id) REFERENCES vector_stores (id) ON DELETE CASCADE
);
INSERT INTO "vector_store_files" VALUES(1,'file-nSgndbpiPFlksWgr0zPFG9','vs_RifcfcjY5DVf3RKiN8gKq7aj',NULL,1795359351,'completed',1055,NULL,'{"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}','{}');
CREATE TABLE vector_stores (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	created_at INTEGER NOT NULL, 
	name TEXT, 
	description TEXT, 
	last_active_at INTEGER NOT NULL, 
	expires_after JSON, 
	metadata JSON NOT NULL, 
	UNIQUE (id)
);
INSERT INTO "vector_stores" VALUES(1,'vs_RifcfcjY5DVf3RKiN8gKq7aj',1795359351,'Pets',NULL,1795359351,NULL,'{}');
CREATE INDEX ix_threads_activity ON threads (activity);
CREATE INDEX messages_of_run ON messages (run_id);
CREATE INDEX messages_of_thread ON messages (thread_id, seq);
CREATE INDEX runs_of_thread ON runs (thread_id, seq);
CREATE UNIQUE INDEX one_active_run ON runs (thread_id) WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling');
CREATE INDEX ix_upload_parts_upload_id ON upload_parts (upload_id);
CREATE INDEX ix_vector_store_files_batch_id ON vector_store_files (batch_id);
CREATE UNIQUE INDEX one_entry_a_file ON vector_store_files (vector_store_id, id);
CREATE INDEX steps_of_run ON run_steps (run_id, seq);
CREATE INDEX chunks_of_entry ON chunks (entry, seq);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('assistants',1);
INSERT INTO "sqlite_sequence" VALUES('threads',1);
INSERT INTO "sqlite_sequence" VALUES('messages',2);
INSERT INTO "sqlite_sequence" VALUES('runs',1);
INSERT INTO "sqlite_sequence" VALUES('run_steps',2);
INSERT INTO "sqlite_sequence" VALUES('files',1);
INSERT INTO "sqlite_sequence" VALUES('vector_stores',1);
INSERT INTO "sqlite_sequence" VALUES('vector_store_files',1);
INSERT INTO "sqlite_sequence" VALUES('chunks',1);
COMMIT;
PRAGMA user_version=1;
