// SPDX-License-Identifier: GPL-3.0-or-later

// kubectl, with an API server in it as hyperkube had: a program of about 100,000
// functions, to measure gounstrip on.
package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/cmd/server"
	kubectl "k8s.io/kubectl/pkg/cmd"
)

func main() {
	ctx := context.Background()
	root := &cobra.Command{Use: "hyperkube"}
	root.AddCommand(
		kubectl.NewDefaultKubectlCommand(),
		apiextensions.NewServerCommand(ctx, os.Stdout, os.Stderr),
	)
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}
