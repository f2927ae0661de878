# Completion for fish. Mirrors' names come from `tgstreamd status`, where it answers.
set -l verbs run init login logout chats check plan alert status parked pause resume verify resend backup rebuild
complete -c tgstreamd -n "not __fish_seen_subcommand_from $verbs" -f -a "$verbs"
complete -c tgstreamd -l config -r -d "the configuration"
complete -c tgstreamd -l help -d "what a verb takes"
complete -c tgstreamd -n "not __fish_seen_subcommand_from $verbs" -l version
for flag in api-id api-hash name source target source-topic target-topic history
    complete -c tgstreamd -n "__fish_seen_subcommand_from init" -l $flag -x
end
complete -c tgstreamd -n "__fish_seen_subcommand_from init" -l force
complete -c tgstreamd -n "__fish_seen_subcommand_from init" -l order -x -a "live-first source"
complete -c tgstreamd -n "__fish_seen_subcommand_from init" -l deletes -x -a "keep mirror"
complete -c tgstreamd -n "__fish_seen_subcommand_from init" -l transfer -x -a "stream reference reference-only"
complete -c tgstreamd -n "__fish_seen_subcommand_from init" -l attribution -x -a "none author author-link"
complete -c tgstreamd -n "__fish_seen_subcommand_from init" -l state-directory -r
complete -c tgstreamd -n "__fish_seen_subcommand_from login" -l qr
complete -c tgstreamd -n "__fish_seen_subcommand_from login" -l phone -x
complete -c tgstreamd -n "__fish_seen_subcommand_from login" -l bot-token -x
complete -c tgstreamd -n "__fish_seen_subcommand_from chats check plan alert status parked verify resend" -l json
for flag in from to limit
    complete -c tgstreamd -n "__fish_seen_subcommand_from plan" -l $flag -x
end
complete -c tgstreamd -n "__fish_seen_subcommand_from status" -l watch
complete -c tgstreamd -n "__fish_seen_subcommand_from parked" -l all
complete -c tgstreamd -n "__fish_seen_subcommand_from parked" -f -a "list retry skip"
complete -c tgstreamd -n "__fish_seen_subcommand_from rebuild resend" -l yes
complete -c tgstreamd -n "__fish_seen_subcommand_from verify" -l repair
complete -c tgstreamd -n "__fish_seen_subcommand_from backup" -F
complete -c tgstreamd -n "__fish_seen_subcommand_from plan pause resume verify resend rebuild" -f \
    -a "(tgstreamd status --json 2>/dev/null | sed -n '/^  \"mirrors\": \[/,/^  \]/s/^      \"name\": \"\(.*\)\",\{0,1\}\$/\1/p')"
