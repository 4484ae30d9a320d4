;; What contract-0.1.0.wasm was made of, for people: it is not compiled again. It imports
;; one interface of the contract and exports two, the least that a source can be.
(module
  (import "liaison:connector/clock@0.1.0" "now" (func $now (result i64)))
  (memory (export "memory") 1)
  ;; A page: two rows of NDJSON, and the snapshot is complete.
  (data (i32.const 512)
    "{\"key\":\"1\",\"change\":\"upsert\",\"data\":{\"name\":\"Ana\"}}\n{\"key\":\"2\",\"change\":\"upsert\",\"data\":{\"name\":\"Bob\"}}\n")
  (data (i32.const 1036) "\02\00\00\00\00\02\00\00\68\00\00\00")
  (data (i32.const 1064) "\01")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
  (func (export "liaison:connector/connection@0.1.0#check")
    (param i32 i32 i32 i32 i32) (result i32) i32.const 2048)
  (func (export "liaison:connector/connection@0.1.0#discover")
    (param i32 i32 i32 i32 i32) (result i32) i32.const 2048)
  (func (export "liaison:connector/source@0.1.0#read")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (drop (call $now)) (i32.const 1024)))
