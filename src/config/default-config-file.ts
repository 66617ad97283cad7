/** Where the agent's configuration is unless a command is told otherwise: the path of the official agents. */
export const DEFAULT_CONFIG_FILE = '/etc/codedeploy-agent/conf/codedeployagent.yml';
