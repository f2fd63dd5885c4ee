# What may be secret of the nodes of a cluster. A daemon alone is tried without it.

cluster {
  servers     = ["nats://127.0.0.1:1"]
  key         = secret("bus-key")
  credentials = "-----BEGIN NATS USER JWT-----${secret("bus-jwt")}-----BEGIN USER NKEY SEED-----${secret("bus-seed")}"
}

node "here" {
  key = "UBUL3NUVSGO5Z6TFL7JJPM6GGBANZ6JAEHXKPLNYYYVEGKIHHCYYWL2I"
}
