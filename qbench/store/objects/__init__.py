"""Object stores, such as S3: what machines without a shared file system exchange.

A run folder and a cache folder stay folders of a machine. Beside them, an object store has what is finished: it is put
there as whole objects, and what another machine has put there is fetched, compared with its digest, and then a file as
any other. No object is ever changed. What only one may do is decided by the creation of an object that must not exist.
"""
