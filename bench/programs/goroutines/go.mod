module gounstrip.test/goroutines

go 1.21
