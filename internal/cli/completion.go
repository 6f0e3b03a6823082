package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/profiles"
)

var shells = []string{"bash", "fish", "powershell", "zsh"}

func (f *face) completionVerb() *cobra.Command {
	return &cobra.Command{
		Use: "completion SHELL", Short: "Print the completion script of a shell",
		Long: "Prints a script that completes verbs, flags, profile names and keys in bash, fish, powershell or zsh.",
		Example: `  fob completion bash > ~/.local/share/bash-completion/completions/fob
  fob completion zsh > "${fpath[1]}/_fob"
  fob completion fish > ~/.config/fish/completions/fob.fish`,
		Args: words(1, 1), ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(f.Out, true)
			case "fish":
				return root.GenFishCompletion(f.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(f.Out)
			case "zsh":
				return root.GenZshCompletion(f.Out)
			}
			return misused("one of bash, fish, powershell, zsh", "there is no completion for %s", args[0])
		},
	}
}

// completionTime is how long a person who pressed Tab waits for names before it feels broken.
const completionTime = 500 * time.Millisecond

// completeNames completes one profile name. It never starts an agent: pressing Tab must not have effects.
func (f *face) completeNames(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return f.profileNames(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
}

func (f *face) profileNames(ctx context.Context) []string {
	home, err := agent.HomeFromEnv()
	if err != nil {
		return nil
	}
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	client := agent.NewClient(home)
	defer client.Close()
	all, err := client.Status(ctx)
	if err != nil {
		return namesInFile(home)
	}
	var names []string
	for _, s := range all {
		_, word := statusWord(s)
		names = append(names, cobra.CompletionWithDesc(clean(s.Name), word))
	}
	slices.Sort(names)
	return names
}

// namesInFile are the profiles of profiles.json, while no agent runs that knows their state.
func namesInFile(home agent.Home) (names []string) {
	for _, p := range profiles.Peek(home.ProfilesFile()) {
		names = append(names, cobra.CompletionWithDesc(clean(p.Name), clean(p.Environment)))
	}
	slices.Sort(names)
	return names
}
